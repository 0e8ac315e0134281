import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../templates/', import.meta.url))

/**
 * The files of one folder of `templates/`, filled, by their path in the project. A leading `_` of a name stands for a dot,
 * because npm treats some files with a dot in a package as its own.
 */
export function fillFolder(folder: string, values: Record<string, string>): Record<string, string> {
  const from = join(root, folder)
  const files = readdirSync(from, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile())
  return Object.fromEntries(
    files.map(({ parentPath, name }) => {
      const path = join(parentPath, name)
      return [relative(from, path).replaceAll(/(^|\/)_/g, '$1.'), fill(readFileSync(path, 'utf8'), values, path)]
    }),
  )
}

/**
 * Puts values in the places of `__name__`. Alone on its line, where it may be a comment, a value of several lines is indented
 * like its place, and an empty one takes the line away.
 *
 * @throws {Error} When a place has no value.
 */
function fill(template: string, values: Record<string, string>, path: string): string {
  const textFor = (name: string) => {
    const value = values[name]
    if (value === undefined) throw new Error(`${path}: there is no value for ${name}.`)
    return value
  }
  return (
    template
      // Meant for the templates themselves.
      .replaceAll(/^ *\/\/ biome-ignore .*\n/gm, '')
      .replaceAll(/^( *)(?:(?:#|\/\/) )?__([a-z]+)__\n/gim, (_, indent: string, name: string) =>
        textFor(name)
          .split('\n')
          .map(line => (line === '' ? '' : `${indent}${line}\n`))
          .join(''),
      )
      .replaceAll(/__([a-z]+)__/gi, (_, name: string) => textFor(name))
  )
}
