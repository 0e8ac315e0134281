/** What a record shows in place of a value: `<string>`, `[redacted]`. */
const PLACEHOLDER = /^(?:<(string|number|boolean)>|\[redacted\])$/

const SAMPLES: Readonly<Record<string, unknown>> = { string: 'sample', number: 1, boolean: true }

/** An event whose missing values are filled in, and their places, as `--set` writes them. */
export interface FilledIn {
  event: object
  filled: readonly string[]
}

/**
 * Fills in the values that the record of a call does not contain. It uses the value that a sample event has at the same
 * place, or else a value of the right kind.
 *
 * @param shown The event as a record shows it.
 * @param samples Events of the same type, the most common first.
 */
export function fillIn(shown: object, samples: readonly object[]): FilledIn {
  const filled = new Set<string>()

  function fill(value: unknown, like: readonly unknown[], path: string): unknown {
    if (Array.isArray(value)) {
      return value.map((item, index) => {
        const name = nameOf(item)
        if (name === undefined) return fill(item, itemsAt(like, index), path)
        return fill(
          item,
          like.flatMap(listOf).filter(other => nameOf(other) === name),
          within(path, name),
        )
      })
    }
    if (typeof value === 'object' && value !== null) {
      const isNamed = nameOf(value) !== undefined
      return Object.fromEntries(
        Object.entries(value).map(([key, member]) => {
          // The place of a named entry's value is the name of the entry.
          const place = isNamed && key === 'value' ? path : within(path, key)
          return [
            key,
            fill(
              member,
              like.flatMap(other => memberOf(other, key)),
              place,
            ),
          ]
        }),
      )
    }
    const [isPlaceholder, kind] = typeof value === 'string' ? (PLACEHOLDER.exec(value) ?? []) : []
    if (isPlaceholder === undefined) return value
    filled.add(path)
    const fitting = like.find(sample => kind === undefined || typeof sample === kind)
    // A string in the record, such as an encrypted credential, may be an object in the samples.
    return fitting ?? like.find(sample => sample !== undefined && sample !== null) ?? SAMPLES[kind ?? 'string']
  }

  return { event: fill(shown, samples, '') as object, filled: [...filled] }
}

function within(path: string, name: string): string {
  if (/[.[\]/:]/.test(name)) return `${path}[${name}]`
  return path === '' ? name : `${path}.${name}`
}

function nameOf(value: unknown): string | undefined {
  const { name, uri, value: inner } = (value ?? {}) as { name?: unknown; uri?: unknown; value?: unknown }
  const known = uri ?? name
  return typeof known === 'string' && inner !== undefined ? known : undefined
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : []
}

function itemsAt(lists: readonly unknown[], index: number): unknown[] {
  return lists.flatMap(listOf).length === 0 ? [] : lists.flatMap(list => listOf(list).slice(index, index + 1))
}

function memberOf(value: unknown, key: string): unknown[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, key)) return []
  return [(value as Record<string, unknown>)[key]]
}
