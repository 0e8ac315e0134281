import { Problem } from '../../ground/problem.ts'

const OPERATORS: Record<string, (value: string, wanted: string) => boolean> = {
  eq: (value, wanted) => value === wanted,
  co: (value, wanted) => value.includes(wanted),
  sw: (value, wanted) => value.startsWith(wanted),
  ew: (value, wanted) => value.endsWith(wanted),
}

/** The problems of a filter. Each API of the reference has one code for all of them. */
const filterProblems = {
  format: (code: string) =>
    new Problem(400, code, 'Filter needs to be in the format <attribute>+<operation>+<value>. Eg: name+eq+john', {
      title: 'Invalid filter query format.',
    }),
  attribute: (code: string, known: readonly string[]) =>
    new Problem(400, code, `Filtering is only supported with ${known.join(', ')}.`, {
      title: 'Filtering using the attempted attribute is not supported.',
    }),
  operation: (code: string) =>
    new Problem(
      400,
      code,
      "Please use one of the supported filtering operations such as 'eq', 'co', 'sw', 'ew', 'and', 'or'.",
      { title: 'Attempted filtering operation is invalid.' },
    ),
}

/**
 * Parses a filter such as `name eq shop`, or several joined: `name eq "my shop" or clientId sw test`. Comparisons ignore case.
 *
 * @param attributes The attributes that the filter may use.
 * @returns A function that matches an entry. Throws a {@link Problem} that describes the form of a filter.
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
    if (attribute === '') throw filterProblems.format(code)
    const read = Object.hasOwn(attributes, attribute) ? attributes[attribute] : undefined
    if (!read) throw filterProblems.attribute(code, Object.keys(attributes))
    const compare = OPERATORS[operator.toLowerCase()]
    if (!compare) throw filterProblems.operation(code)
    const wanted = given.replace(/^"(.*)"$/, '$1').toLowerCase()
    return entry => compare(read(entry).toLowerCase(), wanted)
  }
}
