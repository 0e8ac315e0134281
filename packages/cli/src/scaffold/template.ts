import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../templates/', import.meta.url))

/** What varies between the projects of a template. */
export interface Filling {
  /** The values of the places and samples, by name. */
  values: Readonly<Record<string, string>>
  /** The parts whose lines the project gets. */
  parts?: ReadonlySet<string>
}

/**
 * The filled files of one folder of `templates/`, by path in the project. A leading `_` in a name becomes a dot,
 * because npm handles some files with a dot specially.
 */
export function fillFolder(folder: string, filling: Filling): Record<string, string> {
  const from = join(root, folder)
  const files = readdirSync(from, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile())
  return Object.fromEntries(
    files.map(({ parentPath, name }) => {
      const path = join(parentPath, name)
      return [relative(from, path).replaceAll(/(^|\/)_/g, '$1.'), fill(readFileSync(path, 'utf8'), filling, path)]
    }),
  )
}

const ALONE = /^( *)__([a-z]+)__\n/gim
const ALONE_IN_COMMENT = /^( *)(?:(?:#|\/\/) )?__([a-z]+)__\n/gim

/**
 * Fills a template. Programs among the templates compile and pass their tests unfilled, so comments mark what varies:
 *
 * - `__name__` is replaced by a value. If it is alone on its line, or the only comment there, a value of several lines
 *   is indented like the line, and an empty value removes the line.
 * - The lines from `// sample of name` to `// end of sample` are an example, which the value replaces.
 * - A line that ends in `// only with part` is for projects that have the part.
 *
 * @throws {Error} If a place has no value.
 */
function fill(template: string, { parts = new Set(), values }: Filling, path: string): string {
  const valueFor = (name: string) => {
    const value = values[name]
    if (value === undefined) throw new Error(`${path}: no value for ${name}.`)
    return value
  }
  const linesOf = (indent: string, name: string) => {
    const value = valueFor(name)
    return value === '' ? '' : value.replaceAll(/^(?=.)/gm, indent).concat('\n')
  }
  return (
    template
      // For the templates themselves.
      .replaceAll(/^ *\/\/ biome-ignore .*\n/gm, '')
      .replaceAll(/^( *)\/\/ sample of (\w+)\n[\s\S]*?^ *\/\/ end of sample\n/gm, (_, indent, name) =>
        linesOf(indent, name),
      )
      .replaceAll(/^(.*) \/\/ only with (\w+)\n/gm, (_, line, part) => (parts.has(part) ? `${line}\n` : ''))
      .replaceAll(path.endsWith('.md') ? ALONE : ALONE_IN_COMMENT, (_, indent, name) => linesOf(indent, name))
      .replaceAll(/__([a-z]+)__/gi, (_, name) => valueFor(name))
  )
}
