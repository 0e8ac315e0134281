import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../templates/', import.meta.url))

/** What varies between the projects of a template. */
export interface Filling {
  /** What stands in the places and instead of the samples, by name. */
  values: Readonly<Record<string, string>>
  /** The parts whose lines a project gets. */
  parts?: ReadonlySet<string>
}

/**
 * The files of one folder of `templates/`, filled, by their path in the project. A leading `_` of a name stands for a dot,
 * because npm treats some files with a dot in a package as its own.
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
 * Fills a template. Programs among the templates compile and pass their tests as they are, so what varies is marked by comments:
 *
 * - `__name__` stands for a value. Alone on its line, where it may be a comment, a value of several lines is indented like its
 *   place, and an empty one removes the line.
 * - From `// sample of name` to `// end of sample` stands one example of the value.
 * - A line that ends in `// only with part` is for projects that have the part.
 *
 * @throws {Error} When a place has no value.
 */
function fill(template: string, { parts = new Set(), values }: Filling, path: string): string {
  const valueFor = (name: string) => {
    const value = values[name]
    if (value === undefined) throw new Error(`${path}: there is no value for ${name}.`)
    return value
  }
  const linesOf = (indent: string, name: string) => {
    const value = valueFor(name)
    return value === '' ? '' : value.replaceAll(/^(?=.)/gm, indent).concat('\n')
  }
  return (
    template
      // Meant for the templates themselves.
      .replaceAll(/^ *\/\/ biome-ignore .*\n/gm, '')
      .replaceAll(/^( *)\/\/ sample of (\w+)\n[\s\S]*?^ *\/\/ end of sample\n/gm, (_, indent, name) =>
        linesOf(indent, name),
      )
      .replaceAll(/^(.*) \/\/ only with (\w+)\n/gm, (_, line, part) => (parts.has(part) ? `${line}\n` : ''))
      .replaceAll(path.endsWith('.md') ? ALONE : ALONE_IN_COMMENT, (_, indent, name) => linesOf(indent, name))
      .replaceAll(/__([a-z]+)__/gi, (_, name) => valueFor(name))
  )
}
