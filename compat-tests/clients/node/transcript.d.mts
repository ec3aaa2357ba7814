// The types of transcript.mjs, for the programs that are TypeScript because of their decorators.

export type Say = (seen: Record<string, unknown>) => void

export const url: string
export const largeBody: Buffer
export function sha256(body: Uint8Array): string
export function play(scenarios: Record<string, (say: Say) => Promise<void>>): Promise<void>
export function brokerRestart(say: Say): Promise<void>

export class Inbox<Item> {
  put(item: Item): void
  take(): Promise<Item>
}
