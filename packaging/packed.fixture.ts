import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export const root: string = join(import.meta.dirname, '..')

/** The members of a `package.json` that the checks read. */
export interface Manifest {
  name: string
  description?: string
  keywords?: string[]
  license?: string
  engines?: { node?: string }
  exports?: Record<string, string | Record<string, string>>
}

/** A package as npm would publish it. */
export interface Packed {
  manifest: Manifest
  tarball: string
  /** The folder of the extracted tarball. */
  folder: string
}

/**
 * Builds the workspace and packs every package and extension.
 *
 * @returns The packages by name, and a function that deletes the archives.
 */
export function packAll(): { packages: ReadonlyMap<string, Packed>; remove(): void } {
  const archives = mkdtempSync(join(tmpdir(), 'preflow-packed-'))
  execFileSync('npm', ['run', '--silent', 'build'], { cwd: root })
  const packages = new Map<string, Packed>()
  for (const path of ['packages', 'extensions'].flatMap(side =>
    readdirSync(join(root, side)).map(name => join(root, side, name)),
  )) {
    const manifest: Manifest = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'))
    const packed = execFileSync('npm', ['pack', path, '--pack-destination', archives, '--json', '--loglevel=error'])
    const tarball = join(archives, (JSON.parse(packed.toString()) as [{ filename: string }])[0].filename)
    const folder = tarball.replace(/\.tgz$/, '')
    mkdirSync(folder)
    execFileSync('tar', ['-xzf', tarball, '-C', folder, '--strip-components=1'])
    packages.set(manifest.name, { manifest, tarball, folder })
  }
  return { packages, remove: () => rmSync(archives, { recursive: true, force: true }) }
}
