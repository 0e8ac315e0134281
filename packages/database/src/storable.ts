/**
 * A value that both databases can store. A request may contain NUL in any name. PostgreSQL refuses NUL in a string, and
 * in SQLite it ends a pattern. With the replacement character, such a name is just an unknown name.
 */
export function storable<Value>(value: Value): Value | string {
  return typeof value === 'string' ? value.replaceAll('\0', '\u{FFFD}') : value
}
