import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { after, describe, test } from 'node:test'
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { type Manifest, packAll, root } from './packed.fixture.ts'

const { packages, remove } = packAll()
after(remove)

/** `require` and resolution without `exports` are not offered: the packages are ES modules for Node 20 and newer. */
const NOT_OFFERED = new Set(['CJSResolvesToESM'])
const OLD_RESOLUTION = 'node10'

/** Subpaths that exist for the tests of the workspace only. A published package has no file for them. */
function workspaceSubpaths({ exports = {} }: Manifest): string[] {
  return Object.entries(exports)
    .filter(([, target]) => typeof target === 'object' && !('default' in target))
    .map(([subpath]) => subpath)
}

for (const [name, { folder, manifest, tarball }] of packages) {
  describe(name, () => {
    test('publint finds nothing', async () => {
      const { messages } = await publint({ pkgDir: folder, pack: false, strict: true })
      assert.deepEqual(
        messages.map(message => formatMessage(message, manifest)),
        [],
      )
    })

    test('its types resolve as its code does', async () => {
      const data = createPackageFromTarballData(new Uint8Array(readFileSync(tarball)))
      const analysis = await checkPackage(data, { excludeEntrypoints: workspaceSubpaths(manifest) })
      if (analysis.types === false) return assert.ok(manifest.exports === undefined, 'the package has no types')
      const problems = analysis.problems.filter(
        problem =>
          !NOT_OFFERED.has(problem.kind) && !('resolutionKind' in problem && problem.resolutionKind === OLD_RESOLUTION),
      )
      assert.deepEqual(problems, [])
    })

    test('it has its license, a README, a description, keywords and the Node.js versions that it runs on', () => {
      assert.equal(readFileSync(join(folder, 'LICENSE'), 'utf8'), readFileSync(join(root, 'LICENSE'), 'utf8'))
      assert.ok(existsSync(join(folder, 'README.md')), 'there is no README.md')
      const { description = '', engines, keywords = [], license } = manifest
      assert.match(description, /^[A-Z].{20,}[^.]$/)
      assert.ok(keywords.length > 3)
      assert.equal(license, 'Apache-2.0')
      assert.match(engines?.node ?? '', /^>=2[04]$/)
    })

    test('“go to definition” finds the source', () => {
      const maps = globSync('dist/**/*.{js,d.ts}.map', { cwd: folder })
      assert.ok(maps.length > 0)
      for (const map of maps) {
        const { sources } = JSON.parse(readFileSync(join(folder, map), 'utf8')) as { sources: string[] }
        for (const source of sources) assert.ok(existsSync(join(folder, dirname(map), source)), `${map}: ${source}`)
      }
    })

    test('it has no test and no file of a test', () => {
      assert.deepEqual(globSync('{dist,src}/**/*.{test,fixture,cases}.*', { cwd: folder }), [])
    })
  })
}
