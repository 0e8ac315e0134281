import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { lambdaHandler } from '@preflow/extension/lambda'
import { sampleRequest } from '@preflow/extension/testing'
import { type BuildOptions, build } from 'rolldown'
import { type Row, row, type Section } from '../row.ts'
import { CALLER_KEY, startPasswordGuard } from '../running-extensions.ts'

const workspace = join(import.meta.dirname, '..', '..')
const run = promisify(execFile)
const HEADERS = { 'content-type': 'application/json', 'x-api-key': CALLER_KEY }

const asWritten = (about: Row): Row => ({ ...about, how: 'the function that preflow new writes is called directly' })

/** The function that Vercel runs for a path of a project: the file that its rewrites point to. */
async function functionOf(project: string, path: string): Promise<string> {
  const { rewrites, functions } = JSON.parse(await readFile(join(project, 'vercel.json'), 'utf8')) as {
    rewrites: { source: string; destination: string }[]
    functions: Record<string, unknown>
  }
  const { destination } = rewrites.find(({ source }) => new RegExp(`^${source}$`).test(path)) ?? {}
  assert(destination !== undefined, `no rewrite for ${path}`)
  const file = `${destination.slice(1)}/index.js`
  assert(file in functions, `${file} is no function`)
  return join(project, file)
}

/** Runs with a project for Vercel, built from the sources of the workspace. */
async function withProject(use: (project: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'preflow-vercel-row-'))
  const project = join(folder, 'gate')
  try {
    const words = ['new', 'gate', '--extension', 'password-guard', '--target', 'vercel', '--dir', project, '--registry']
    await run('sh', [join(workspace, 'tools/node.sh'), join(workspace, 'packages/cli/src/main.ts'), ...words])
    await symlink(join(workspace, 'node_modules'), join(project, 'node_modules'))
    const configuration = await import(pathToFileURL(join(project, 'rolldown.config.js')).href)
    const conditionNames = ['@preflow/source', 'node', 'default']
    await build({ ...(configuration.default as BuildOptions), resolve: { conditionNames }, logLevel: 'warn' })
    await use(project)
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** Calls the function in a separate process, with its settings in the environment as on Vercel. */
const CALL = `
const [file, path, headers, body] = process.argv.slice(1)
let exported = await import(file)
while (exported.default) exported = exported.default
const url = 'https://gate.vercel.app' + path
const answer = await exported.fetch(new Request(url, { method: 'POST', headers: JSON.parse(headers), body }))
process.stdout.write('\\n' + JSON.stringify({ status: answer.status, body: await answer.json() }))
`

export const deployed: Section = {
  title: 'Where extensions run',
  rows: [
    {
      ...row('UC-26', 'Lambda event with isBase64Encoded: the same as with a plain body', async () => {
        const guard = await startPasswordGuard({}, { asksRangeApi: false })
        try {
          const handler = lambdaHandler(guard.extension)
          const invoke = async (password: string, isBase64Encoded: boolean) => {
            const updatingCredential = { type: 'PASSWORD', format: 'PLAIN_TEXT', value: password } as const
            const body = JSON.stringify(
              sampleRequest('PRE_UPDATE_PASSWORD', { event: { user: { updatingCredential } } }),
            )
            const { body: answer, statusCode } = await handler({
              version: '2.0',
              requestContext: { http: { method: 'POST' } },
              headers: HEADERS,
              body: isBase64Encoded ? Buffer.from(body).toString('base64') : body,
              isBase64Encoded,
            })
            return [statusCode, JSON.parse(answer)]
          }
          for (const [password, actionStatus] of [
            ['Blue-Heron_42!', 'SUCCESS'],
            ['short', 'FAILED'],
          ] as const) {
            const [status, answer] = await invoke(password, false)
            assert.deepEqual([status, answer.actionStatus], [200, actionStatus])
            assert.deepEqual(await invoke(password, true), [status, answer])
          }
        } finally {
          await guard.close()
        }
      }),
      how: 'the handler for Lambda is called directly',
    },
    asWritten(
      row('UC-27', 'project for Vercel: the path of the action leads to the function of the action', () =>
        withProject(async project => {
          const updatingCredential = { type: 'PASSWORD', format: 'PLAIN_TEXT', value: 'short' } as const
          const body = sampleRequest('PRE_UPDATE_PASSWORD', { event: { user: { updatingCredential } } })
          for (const path of ['/', '/passwordcheck']) {
            const file = await functionOf(project, path)
            const words = [pathToFileURL(file).href, path, JSON.stringify(HEADERS), JSON.stringify(body)]
            const { stdout } = await run(process.execPath, ['--input-type=module', '-e', CALL, ...words], {
              cwd: project,
              env: { PASSWORD_GUARD_CALLER: 'api-key', PASSWORD_GUARD_CALLER_SECRETS: CALLER_KEY },
            })
            const answer = JSON.parse(stdout.split('\n').at(-1) ?? '')
            assert.deepEqual([answer.status, answer.body.actionStatus], [200, 'FAILED'])
          }
        }),
      ),
    ),
  ],
}
