/** A name in the form in which it is unique: composed characters, without case. */
export function nameKey(name: string): string {
  return name.normalize('NFC').toLowerCase()
}
