/**
 * A value as both databases can hold it. A request may carry a NUL in any name: PostgreSQL refuses one in a text, and SQLite
 * takes it for the end of a pattern. With the replacement character in its place such a name is an unknown name like others.
 */
export function storable<Value>(value: Value): Value | string {
  return typeof value === 'string' ? value.replaceAll('\0', '\u{FFFD}') : value
}
