// The surroundings of the program, for tests: what it prints and how it ends is kept, signals are sent by
// hand, stdin and files are texts.
import type { StopSignal, Surroundings } from '../../cli/surroundings.ts'

export class FakeProcess implements Surroundings {
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly packageVersion = '1.2.3'
  programName = 'leveret'
  readonly files: Record<string, string>
  input = ''
  stdout = ''
  readonly stderr: string[] = []
  readonly exits: number[] = []
  readonly sleeps: number[] = []
  signal: (signal: StopSignal) => void = () => undefined
  uncaught: (error: unknown) => void = () => undefined

  constructor(argv: readonly string[], env: Record<string, string> = {}, files: Record<string, string> = {}) {
    this.argv = argv
    this.env = { LEVERET_LOG_LEVEL: 'silent', ...env }
    this.files = files
  }

  readText(fileName: string): string {
    const text = this.files[fileName]
    if (text === undefined) throw new Error(`ENOENT: no such file, open '${fileName}'`)
    return text
  }

  writeText(fileName: string, text: string): void {
    this.files[fileName] = text
  }

  appendText(fileName: string, text: string): void {
    this.files[fileName] += text
  }

  readInput(): Promise<Buffer> {
    return Promise.resolve(Buffer.from(this.input))
  }

  print(text: string): void {
    this.stdout += text
  }

  complain(line: string): void {
    this.stderr.push(line)
  }

  onSignal(handler: (signal: StopSignal) => void): void {
    this.signal = handler
  }

  onUncaught(handler: (error: unknown) => void): void {
    this.uncaught = handler
  }

  exit(code: number): void {
    this.exits.push(code)
  }

  nowMs(): number {
    return 210.4
  }

  sleep(ms: number): Promise<void> {
    this.sleeps.push(ms)
    return Promise.resolve()
  }
}
