/** The form in which a name is unique: composed characters in lower case. */
export function nameKey(name: string): string {
  return name.normalize('NFC').toLowerCase()
}
