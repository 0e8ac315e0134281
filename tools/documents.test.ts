import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'

const root = join(import.meta.dirname, '..')
const documents = execFileSync('git', ['ls-files', '*.md'], { cwd: root, encoding: 'utf8' }).trim().split('\n')
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> }

test('every relative link of a document has a target', () => {
  const dead = documents.flatMap(document => {
    const text = readFileSync(join(root, document), 'utf8').replaceAll(/```[\s\S]*?```/g, '')
    return [...text.matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)]
      .map(([, link = '']) => link)
      .filter(link => !existsSync(join(root, dirname(document), link)))
      .map(link => `${document}: ${link}`)
  })
  assert.deepEqual(dead, [])
})

test('every npm script in a document exists', () => {
  // The documents of new projects name the scripts of the project.
  const own = documents.filter(document => !document.startsWith('packages/cli/templates/'))
  const unknown = own.flatMap(document => {
    const text = readFileSync(join(root, document), 'utf8')
    return [...text.matchAll(/npm run (?:-s )?([\w:-]+)(?! -w)/g)]
      .map(([, name = '']) => name)
      .filter(name => !(name in scripts))
      .map(name => `${document}: npm run ${name}`)
  })
  assert.deepEqual(unknown, [])
})

test('the TypeScript in the documents compiles', () => {
  const folder = mkdtempSync(join(root, 'tools', '.examples-'))
  try {
    const files = documents.flatMap(document =>
      [...readFileSync(join(root, document), 'utf8').matchAll(/```ts\n([\s\S]*?)```/g)]
        // A fragment without an import shows a shape and is not a program.
        .filter(([, code = '']) => /^import /m.test(code))
        .map(([, code = ''], index) => {
          const name = `${document.replaceAll(/[^\w]/g, '-')}-${index}.ts`
          writeFileSync(join(folder, name), code)
          return name
        }),
    )
    assert.ok(files.length > 0)
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify({
        extends: '../../tsconfig.check.json',
        compilerOptions: {
          noUnusedLocals: false,
          noUnusedParameters: false,
        },
        include: ['*.ts'],
      }),
    )
    const tsc = join(root, 'node_modules', '.bin', 'tsc')
    try {
      execFileSync(tsc, ['-p', folder, '--singleThreaded'], { encoding: 'utf8', stdio: 'pipe' })
    } catch (error) {
      assert.fail((error as { stdout: string }).stdout)
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('an editor finds the packages from a file in the root folder of a new clone', () => {
  const folder = mkdtempSync(join(tmpdir(), 'preflow-clone-'))
  try {
    for (const name of ['node_modules', 'packages/extension/node_modules']) {
      if (!existsSync(join(root, name))) continue
      mkdirSync(dirname(join(folder, name)), { recursive: true })
      symlinkSync(join(root, name), join(folder, name))
    }
    for (const name of ['tsconfig.json', 'tsconfig.check.json', 'tsconfig.base.json', 'package.json']) {
      copyFileSync(join(root, name), join(folder, name))
    }
    const [example = ''] = /```ts\n[\s\S]*?```/.exec(readFileSync(join(root, 'README.md'), 'utf8')) ?? []
    writeFileSync(join(folder, 'first.ts'), example.replaceAll(/^```.*$/gm, ''))
    const tsc = join(root, 'node_modules', '.bin', 'tsc')
    const { stdout } = spawnSync(tsc, ['-p', folder, '--listFiles', '--singleThreaded'], { encoding: 'utf8' })
    assert.match(stdout, /packages\/extension\/src\/index\.ts$/m)
    assert.doesNotMatch(stdout, /packages\/[a-z]+\/dist\//)
    assert.doesNotMatch(stdout, /first\.ts.*error/)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
