// Rules for names. Their length is bounded by the wire: a short string has 255 bytes at most.

/** CR and LF are taken out of names in declare, delete, bind and unbind (RabbitMQ). */
export function cleanName(name: string): string {
  return name.replace(/[\r\n]/g, '')
}
