// The Prometheus text format 0.0.4: a family is its type, its help and its samples.

export type Labels = Readonly<Record<string, string>>

export const PROMETHEUS_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

export function familyHead(name: string, type: string, help: string): string {
  return `# TYPE ${name} ${type}\n# HELP ${name} ${help}\n`
}

export function sample(name: string, labels: Labels, value: number): string {
  return `${name}${labelText(labels)} ${value === Infinity ? '+Inf' : value}\n`
}

function labelText(labels: Labels): string {
  let text = ''
  for (const name in labels) text += `${text === '' ? '{' : ','}${name}="${escapeLabel(labels[name]!)}"`
  return text === '' ? '' : `${text}}`
}

function escapeLabel(value: string): string {
  return /[\\"\n]/.test(value)
    ? value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n') : value
}
