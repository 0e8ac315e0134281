import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'

const root = join(import.meta.dirname, '..')
const documents = execFileSync('git', ['ls-files', '*.md'], { cwd: root, encoding: 'utf8' }).trim().split('\n')
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> }

test('every relative link of a document leads somewhere', () => {
  const dead = documents.flatMap(document => {
    const text = readFileSync(join(root, document), 'utf8').replaceAll(/```[\s\S]*?```/g, '')
    return [...text.matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)]
      .map(([, link = '']) => link)
      .filter(link => !existsSync(join(root, dirname(document), link)))
      .map(link => `${document}: ${link}`)
  })
  assert.deepEqual(dead, [])
})

test('every npm script that a document names exists', () => {
  const unknown = documents.flatMap(document => {
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
        // A fragment that shows a shape, not a program, has no import of its own.
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
          noPropertyAccessFromIndexSignature: false,
        },
        include: ['*.ts'],
      }),
    )
    const tsc = join(root, 'node_modules', '.bin', 'tsc')
    try {
      execFileSync(tsc, ['-p', folder], { encoding: 'utf8', stdio: 'pipe' })
    } catch (error) {
      assert.fail((error as { stdout: string }).stdout)
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
})
