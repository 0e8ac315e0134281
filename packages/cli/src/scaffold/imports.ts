/** What a file asks for, by module: names, `type Name` for types, `default name` for a default export. */
export type Imports = Record<string, readonly string[]>

/** Characters that a line may have. */
export const LINE_WIDTH = 120

/** Import statements in the order and form in which Biome keeps them, without repetition. */
export function importLines(...wanted: readonly Imports[]): string {
  const names = new Map<string, Set<string>>()
  for (const imports of wanted) {
    for (const [module, list] of Object.entries(imports)) {
      const known = names.get(module) ?? new Set()
      for (const name of list) known.add(name)
      if (known.size > 0) names.set(module, known)
    }
  }
  return [...names]
    .sort(([a], [b]) => distance(a) - distance(b) || (a < b ? -1 : 1))
    .map(([module, list]) => statement(module, [...list]))
    .join('')
}

/** Built-in modules first, files of the project last. */
function distance(module: string): number {
  return module.startsWith('node:') ? 0 : module.startsWith('.') ? 2 : 1
}

function statement(module: string, names: readonly string[]): string {
  const [first = ''] = names
  if (first.startsWith('default ')) return `import ${first.slice(8)} from '${module}'\n`
  const bare = (name: string) => name.replace(/^type /, '')
  const sorted = names.toSorted((a, b) => compare(bare(a), bare(b)))
  const areTypes = sorted.every(name => name.startsWith('type '))
  const list = areTypes ? sorted.map(bare) : sorted
  const keyword = areTypes ? 'import type' : 'import'
  const line = `${keyword} { ${list.join(', ')} } from '${module}'\n`
  return line.length <= LINE_WIDTH + 1
    ? line
    : `${keyword} {\n${list.map(name => `  ${name},\n`).join('')}} from '${module}'\n`
}

/** Letter by letter, a capital before its small letter. */
function compare(a: string, b: string): number {
  for (let index = 0; index < Math.min(a.length, b.length); index++) {
    const [one = '', other = ''] = [a[index], b[index]]
    if (one === other) continue
    const [small, otherSmall] = [one.toLowerCase(), other.toLowerCase()]
    return small === otherSmall ? (one < other ? -1 : 1) : small < otherSmall ? -1 : 1
  }
  return a.length - b.length
}
