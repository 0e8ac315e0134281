/**
 * The recipes of CONTRIBUTING.md: every file in them exists. Those for an action type, a policy and a platform are
 * followed in a copy of the workspace. What is added there is a copy of a neighbour.
 */
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
import { dirname, join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { promisify } from 'node:util'

const root = join(import.meta.dirname, '..')
const recipes = readRecipes(readFileSync(join(root, 'CONTRIBUTING.md'), 'utf8'))

interface Recipe {
  /** The files that are always changed, with placeholders such as `<type>`. */
  always: string[]
  /** Those after an "If". */
  sometimes: string[]
}

/** The rows of the table of recipes, by what is added. */
function readRecipes(document: string): Record<string, Recipe> {
  const [, section = ''] = document.split('\n## Recipes\n')
  const rows = [...section.matchAll(/^\| (an? [^|]+?) +\| (.+) \|$/gm)]
  return Object.fromEntries(
    rows.map(([, name = '', row = '']) => {
      const all = filesIn(row)
      const always = filesIn(row.replace(/\. If .*/, ''))
      return [name, { always, sometimes: all.filter(file => !always.includes(file)) }]
    }),
  )
}

/** The files in a row. A folder applies to the bare names after it. */
function filesIn(row: string): string[] {
  let folder = ''
  let isNamed = true
  const files: string[] = []
  const endFolder = () => {
    if (!isNamed) files.push(folder)
  }
  for (const [, code = ''] of row.matchAll(/`([^`]+)`/g)) {
    if (code.endsWith('/')) {
      endFolder()
      folder = code
      isNamed = false
    } else if (/^[\w./<>-]+\.[a-z]+$/.test(code)) {
      if (!code.includes('/')) isNamed = true
      files.push(code.includes('/') ? code : folder + code)
    }
  }
  endFolder()
  return files
}

test('every file and folder in a recipe exists; with a placeholder, at least one does', () => {
  assert.ok(Object.keys(recipes).length >= 10)
  for (const [name, { always, sometimes }] of Object.entries(recipes)) {
    for (const file of [...always, ...sometimes]) {
      const found = globSync(file.replaceAll(/<\w+>/g, '*'), { cwd: root })
      assert.ok(found.length > 0, `CONTRIBUTING.md, ${name}: ${file} does not exist`)
    }
  }
})

/** How a recipe is tested. */
interface Trial {
  /** The values of its placeholders. */
  placeholders: Record<string, string>
  /** The new content of a file, from the old one. A new file was empty. */
  change(file: string, before: string): string
  /** Fails if a file was forgotten, and passes otherwise. */
  check(workspace: Workspace): Promise<void>
}

/**
 * Adds beside a neighbour: a new file is a copy of the neighbour's, and each line with the neighbour's name is repeated
 * for the new one.
 */
function beside(names: readonly (readonly [neighbour: string, added: string])[]): Trial['change'] {
  const renamed = (text: string) => names.reduce((all, [neighbour, added]) => all.replaceAll(neighbour, added), text)
  const original = (file: string) => names.reduce((all, [neighbour, added]) => all.replaceAll(added, neighbour), file)
  return (file, before) => {
    if (before === '') return renamed(readFileSync(join(root, original(file)), 'utf8'))
    return before.replaceAll(/^.*\n/gm, line => (renamed(line) === line ? line : line + renamed(line)))
  }
}

const trials: Record<string, Trial> = {
  'an action type': {
    placeholders: { '<type>': 'pre-delete-user' },
    change: beside([
      ['PRE_UPDATE_PROFILE', 'PRE_DELETE_USER'],
      ['preUpdateProfile', 'preDeleteUser'],
      ['pre-update-profile', 'pre-delete-user'],
      ['profileGuide', 'userDeletionGuide'],
      ['profileEvent', 'userDeletionEvent'],
      ['ProfileEvent', 'UserDeletionEvent'],
    ]),
    check: async workspace => {
      await workspace.compile('packages/contract/src')
      await workspace.runTests('packages/contract/src/tables.test.ts', 'packages/contract/src/vectors.test.ts')
    },
  },
  'a policy': {
    placeholders: { '<policy>': 'keep-lifetime' },
    change: beside([
      ['restoreLifetime', 'keepLifetime'],
      ['RestoreLifetime', 'KeepLifetime'],
      ['restore-lifetime', 'keep-lifetime'],
    ]),
    check: workspace => workspace.runTests('packages/policies/src/catalog.test.ts'),
  },
  'a platform': {
    placeholders: {},
    change: (_, before) =>
      before
        .replace('export type PlatformName = ', "export type PlatformName = 'wso2-is-6' | ")
        .replace(/^(export const platforms.*\{)$/m, "$1\n  'wso2-is-6': { ...is70, name: 'wso2-is-6' },")
        .replace(/^( +)('wso2-is-7\.0': \[.*\],)$/m, "$1$2\n$1'wso2-is-6': ['PRE_ISSUE_ACCESS_TOKEN 1.0'],"),
    check: async workspace => {
      await workspace.compile('packages/contract/src')
      await workspace.runTests('packages/contract/src/tables.test.ts')
    },
  },
}

suite('following the recipes', () => {
  let workspace: Workspace
  before(() => {
    workspace = copyWorkspace()
  })
  after(() => workspace.remove())

  suite('all of them', () => {
    let changes: Change[]
    before(() => {
      changes = Object.keys(trials).flatMap(name => follow(name, workspace))
    })
    after(() => takeBack(changes))

    test('compiles in every package', () => workspace.compile('packages/*/src', 'extensions/*/src'))

    test('passes the tests of the tables', () =>
      workspace.runTests(
        'packages/contract/src/tables.test.ts',
        'packages/contract/src/vectors.test.ts',
        'packages/engine/src/vectors.test.ts',
        'packages/policies/src/catalog.test.ts',
        'packages/cli/src/events/scenarios.test.ts',
      ))
  })

  for (const [name, { check }] of Object.entries(trials)) {
    test(`the recipe for ${name} needs each file in it`, async () => {
      const changes = follow(name, workspace)
      try {
        await check(workspace)
        for (const { file, undo, redo } of changes) {
          undo()
          await assert.rejects(
            check(workspace),
            `It works without ${file}. Remove the file from the recipe, or test it.`,
          )
          redo()
        }
      } finally {
        takeBack(changes)
      }
    })
  }
})

interface Change {
  file: string
  undo(): void
  redo(): void
}

function takeBack(changes: readonly Change[]): void {
  for (const { undo } of changes.toReversed()) undo()
}

/** Changes only the files of the recipe in the copy. */
function follow(name: string, { folder }: Workspace): Change[] {
  const { placeholders, change } = trials[name] as Trial
  return (recipes[name] as Recipe).always.map(named => {
    const file = Object.entries(placeholders).reduce((all, [hole, text]) => all.replaceAll(hole, text), named)
    const path = join(folder, file)
    const isNew = file !== named
    assert.equal(existsSync(path), !isNew, `${file} ${isNew ? 'exists already' : 'does not exist'}`)
    const before = isNew ? '' : readFileSync(path, 'utf8')
    const text = change(file, before)
    assert.notEqual(text, before, `CONTRIBUTING.md, ${name}: nothing changes in ${file}`)
    const redo = () => {
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, text)
    }
    redo()
    return { file, redo, undo: () => (isNew ? rmSync(path, { force: true }) : writeFileSync(path, before)) }
  })
}

interface Workspace {
  folder: string
  /** Rejects with the errors of the compiler. */
  compile(...include: string[]): Promise<void>
  /** Rejects with the output of failed tests. */
  runTests(...files: string[]): Promise<void>
  remove(): void
}

const execute = promisify(execFile)

async function run(command: string, args: string[], options: { cwd: string; env?: NodeJS.ProcessEnv }): Promise<void> {
  try {
    await execute(command, args, options)
  } catch (error) {
    throw new Error((error as { stdout: string }).stdout, { cause: error })
  }
}

/** The present sources, committed or not. Outside packages are links, those of the workspace are copies. */
function copyWorkspace(): Workspace {
  const folder = mkdtempSync(join(tmpdir(), 'preflow-recipes-'))
  const listed = ['ls-files', '-co', '--exclude-standard', 'packages', 'extensions', 'tsconfig*.json']
  const files = execFileSync('git', listed, { cwd: root, encoding: 'utf8' }).trim().split('\n')
  const existing = files.filter(file => existsSync(join(root, file)))
  for (const file of existing) cpSync(join(root, file), join(folder, file))
  mkdirSync(join(folder, 'node_modules/@preflow'), { recursive: true })
  const link = (from: string, to: string) => symlinkSync(from, join(folder, to))
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (name !== '@preflow' && name !== 'preflow') link(join(root, 'node_modules', name), `node_modules/${name}`)
  }
  for (const file of existing.filter(name => /^\w+\/[^/]+\/package\.json$/.test(name))) {
    const { name } = JSON.parse(readFileSync(join(root, file), 'utf8')) as { name: string }
    link(join(folder, dirname(file)), `node_modules/${name}`)
    const own = join(dirname(file), 'node_modules')
    if (existsSync(join(root, own))) link(join(root, own), own)
  }
  return {
    folder,
    compile: (...include) => {
      writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ extends: './tsconfig.check.json', include }))
      return run(join(root, 'node_modules/.bin/tsc'), ['-p', '.', '--singleThreaded'], { cwd: folder })
    },
    runTests: (...tests) => {
      // Node runs no tests inside a test that it runs itself.
      const { NODE_TEST_CONTEXT: _, ...env } = process.env
      return run(process.execPath, ['--conditions=@preflow/source', '--test', '--test-isolation=none', ...tests], {
        cwd: folder,
        env,
      })
    },
    remove: () => rmSync(folder, { recursive: true }),
  }
}
