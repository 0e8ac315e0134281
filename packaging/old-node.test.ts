import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { packAll, root } from './packed.fixture.ts'

const run = promisify(execFile)

/** The packages for every maintained Node.js release, with the folder of their tests. */
const PORTABLE = ['contract', 'corpus', 'extension', 'policies']
/** Tests of the repository itself, and one that needs the engine, which requires Node 24. */
const NEEDS_THE_WORKSPACE = /(^|\/)(catalog|docstrings|edits\.property)\.test\.ts$/
/** Tests may use features of Node 24. The packages may not, because they are compiled for an older library. */
const FOR_TESTS = `
Promise.withResolvers ??= function () {
  let resolve, reject
  const promise = new Promise((...both) => { [resolve, reject] = both })
  return { promise, resolve, reject }
}
Object.groupBy ??= (items, keyOf) => {
  const groups = Object.create(null)
  for (const item of items) (groups[keyOf(item)] ??= []).push(item)
  return groups
}
`

const { packages, remove } = packAll()
const project = mkdtempSync(join(tmpdir(), 'preflow-old-node-'))
after(() => {
  remove()
  rmSync(project, { recursive: true, force: true })
})

/**
 * A project with the packages as published, their other dependencies from the workspace, and the tests beside the code.
 */
function createProject(): string[] {
  const modules = join(project, 'node_modules')
  mkdirSync(join(modules, '@preflow'), { recursive: true })
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (name !== '@preflow') symlinkSync(join(root, 'node_modules', name), join(modules, name))
  }
  for (const [name, { folder }] of packages) {
    if (name.startsWith('@preflow/')) cpSync(folder, join(modules, name), { recursive: true })
  }
  writeFileSync(join(project, 'for-tests.mjs'), FOR_TESTS)
  return PORTABLE.flatMap(name => {
    const sources = join(root, 'packages', name, 'src')
    const tests = globSync('**/*.{test,fixture,cases}.ts', { cwd: sources }).filter(
      file => !NEEDS_THE_WORKSPACE.test(file),
    )
    const compiled = join(project, 'compiled', name)
    compile(sources, tests, compiled)
    return tests.map(file => {
      const script = file.replace(/\.ts$/, '.js')
      const target = join(modules, '@preflow', name, 'dist', script)
      // The compiler does not rewrite the name of a module in an argument.
      writeFileSync(target, readFileSync(join(compiled, script), 'utf8').replaceAll("'./index.ts'", "'./index.js'"))
      return target
    })
  }).filter(file => file.endsWith('.test.js'))
}

function compile(folder: string, files: readonly string[], target: string): void {
  const compiler = join(root, 'node_modules/typescript/bin/tsc')
  const options = [
    '--ignoreConfig',
    '--noCheck',
    '--module',
    'nodenext',
    '--target',
    'es2023',
    '--rewriteRelativeImportExtensions',
  ]
  execFileSync(process.execPath, [compiler, ...options, '--rootDir', '.', '--outDir', target, ...files], {
    cwd: folder,
  })
}

describe('the packages for extensions', () => {
  const tests = createProject()
  for (const version of [20, 22]) {
    const node = join(import.meta.dirname, 'node_modules', `node${version}`, 'bin/node')
    const skip = existsSync(node) ? false : `Node ${version} is installed on Linux x64 only`
    test(`run on Node ${version}: their own tests pass`, { skip }, async () => {
      const args = ['--preserve-symlinks', '--import', join(project, 'for-tests.mjs'), '--test', ...tests]
      const environment = { PATH: process.env['PATH'] }
      const { stdout } = await run(node, args, { cwd: project, env: environment, maxBuffer: 64 * 1024 * 1024 }).catch(
        (error: { stdout: string }) => assert.fail(failuresOf(error.stdout)),
      )
      assert.match(stdout, /^(#|ℹ) fail 0$/m)
      const passed = Number(/^(?:#|ℹ) pass (\d+)$/m.exec(stdout)?.[1])
      assert.ok(passed > 400, `only ${passed} tests ran`)
    })
  }
})

function failuresOf(output: string): string {
  return output
    .split('\n')
    .filter(line => /^\s*(not ok|✖|error:|#.*Error)/.test(line))
    .join('\n')
}
