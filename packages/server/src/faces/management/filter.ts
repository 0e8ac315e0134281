import { Refusal } from '../../ground/http/refusal.ts'

const OPERATORS: Record<string, (value: string, wanted: string) => boolean> = {
  eq: (value, wanted) => value === wanted,
  co: (value, wanted) => value.includes(wanted),
  sw: (value, wanted) => value.startsWith(wanted),
  ew: (value, wanted) => value.endsWith(wanted),
}

/**
 * Reads a filter like `name eq shop`, and `name eq "my shop" or clientId sw test` of several. Comparisons are without regard
 * to case.
 *
 * @param attributes What may be asked about.
 * @returns Whether an entry matches. Throws a {@link Refusal} that says what a filter looks like.
 */
export function readFilter<Entry>(
  filter: string | undefined,
  attributes: Record<string, (entry: Entry) => string>,
  code: string,
): (entry: Entry) => boolean {
  if (filter === undefined || filter.trim() === '') return () => true
  const groups = filter.split(/\s+or\s+/i).map(group => group.split(/\s+and\s+/i).map(readComparison))
  return entry => groups.some(group => group.every(matches => matches(entry)))

  function readComparison(text: string): (entry: Entry) => boolean {
    const [, attribute = '', operator = '', given = ''] = /^\s*(\S+)\s+(\S+)\s+(.+?)\s*$/.exec(text) ?? []
    if (attribute === '') {
      throw new Refusal(
        400,
        code,
        'Invalid filter query format.',
        'Filter needs to be in the format <attribute>+<operation>+<value>. Eg: name+eq+john',
      )
    }
    const read = Object.hasOwn(attributes, attribute) ? attributes[attribute] : undefined
    if (!read) {
      const known = Object.keys(attributes).join(', ')
      throw new Refusal(
        400,
        code,
        'Filtering using the attempted attribute is not supported.',
        `Filtering is only supported with ${known}.`,
      )
    }
    const compare = OPERATORS[operator.toLowerCase()]
    if (!compare) {
      throw new Refusal(
        400,
        code,
        'Attempted filtering operation is invalid.',
        "Please use one of the supported filtering operations such as 'eq', 'co', 'sw', 'ew', 'and', 'or'.",
      )
    }
    const wanted = given.replace(/^"(.*)"$/, '$1').toLowerCase()
    return entry => compare(read(entry).toLowerCase(), wanted)
  }
}
