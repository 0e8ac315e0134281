type Optional<Members> = { [Name in keyof Members]-?: undefined extends Members[Name] ? Name : never }[keyof Members]

/** The members of `Members`. Those that may be `undefined` are optional instead. */
export type Present<Members> = {
  [Name in keyof Members as Name extends Optional<Members> ? never : Name]: Members[Name]
} & {
  [Name in Optional<Members>]?: Exclude<Members[Name], undefined>
}

/**
 * Copies the members that have a value and omits those that are `undefined`.
 *
 * A missing member and an `undefined` one differ, on the wire and under `exactOptionalPropertyTypes`. `null` is a value
 * and is kept.
 *
 * @example
 * const action = { id, name, ...present({ description, rule }) }
 */
export function present<Members extends object>(members: Members): Present<Members> {
  const kept: Record<string, unknown> = {}
  for (const name in members) {
    if (members[name] !== undefined) kept[name] = members[name]
  }
  return kept as Present<Members>
}
