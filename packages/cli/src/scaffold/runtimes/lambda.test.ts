import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Report, startOnLambda } from './lambda.fixture.ts'
import type { Answer } from './running.fixture.ts'

interface Function {
  code: string
  handler?: string
  timeoutSeconds?: number
}

/** Starts a function and resolves with a way to call it. */
async function start(t: TestContext, { code, handler = 'lambda.handler', timeoutSeconds = 5 }: Function) {
  const project = await mkdtemp(join(tmpdir(), 'preflow-function-'))
  t.after(() => rm(project, { recursive: true }))
  await mkdir(join(project, 'dist'))
  await writeFile(join(project, 'dist', 'lambda.mjs'), code)
  const properties = {
    FunctionName: 'guard',
    CodeUri: 'dist/',
    Handler: handler,
    Runtime: 'nodejs24.x',
    MemorySize: 512,
    Timeout: timeoutSeconds,
  }
  const lines = Object.entries(properties).map(([name, value]) => `      ${name}: ${value}\n`)
  await writeFile(join(project, 'template.yaml'), lines.join(''))
  const running = await startOnLambda(project, {})
  t.after(() => running.stop())
  const ask = running.ways['function URL'] as (call: object) => Promise<Answer>
  return (body: string) => ask({ method: 'POST', path: '/', headers: {}, body })
}

async function reportOf(failing: Promise<unknown>): Promise<Report> {
  const error = await failing.then(
    () => assert.fail('It did not fail.'),
    (error: Error) => error,
  )
  return error.cause as Report
}

test('the handler gets the values of the template', async t => {
  const call = await start(t, {
    code: `export const handler = async (_, context) => ({
      statusCode: 200,
      body: JSON.stringify({ ...context, leftMs: context.getRemainingTimeInMillis() }),
    })`,
  })
  const { leftMs, ...context } = JSON.parse((await call('')).body)
  assert.equal(context.functionName, 'guard')
  assert.equal(context.memoryLimitInMB, '512')
  assert.ok(leftMs > 4000 && leftMs <= 5000, `${leftMs} ms`)
})

test('an error in a handler is reported, and the next invocation is answered', async t => {
  const call = await start(t, {
    code: `export const handler = async ({ body }) => {
      if (body === 'bad') throw new RangeError('zu spät – später')
      return body === 'big' ? 1n : { statusCode: 200, body }
    }`,
  })
  const { trace, ...thrown } = await reportOf(call('bad'))
  assert.deepEqual(thrown, { errorType: 'RangeError', errorMessage: 'zu spät – später' })
  assert.equal(trace?.[0], 'RangeError: zu spät – später')
  assert.match(trace?.[1] ?? '', /^ {4}at .*handler .*lambda\.mjs:2:/)

  const unwritable = await reportOf(call('big'))
  assert.equal(unwritable.errorType, 'Runtime.JSONStringifyError')
  assert.equal(unwritable.errorMessage, 'Unable to stringify response body')

  assert.equal((await call('good')).body, 'good')
})

const faults: Record<string, Function & { type: string; message: RegExp }> = {
  'a missing file': {
    code: '',
    handler: 'absent.handler',
    type: 'Runtime.ImportModuleError',
    message: /^Error: Cannot find module 'absent'\nRequire stack:\n- /,
  },
  'a handler that is not exported': {
    code: 'export const other = 1',
    type: 'Runtime.HandlerNotFound',
    message: /^lambda\.handler is undefined or not exported$/,
  },
  'invalid code': {
    code: 'export const handler = ',
    type: 'Runtime.UserCodeSyntaxError',
    message: /^SyntaxError: Unexpected end of input$/,
  },
  'an error while loading': {
    code: `throw new TypeError('no settings')`,
    type: 'TypeError',
    message: /^no settings$/,
  },
}
for (const [fault, { type, message, ...given }] of Object.entries(faults)) {
  test(`${fault} is reported before the first invocation`, async t => {
    const starting = start(t, given)
    await assert.rejects(starting, { name: 'NotStarted', message })
    const { errorType, trace } = await reportOf(starting)
    assert.equal(errorType, type)
    assert.ok(Array.isArray(trace) && trace.length > 0)
  })
}

test('a handler that exceeds the timeout of the template is reported as timed out', async t => {
  const call = await start(t, { code: 'export const handler = () => new Promise(() => {})', timeoutSeconds: 0.2 })
  const { errorType, errorMessage } = await reportOf(call(''))
  assert.equal(errorType, 'Sandbox.Timedout')
  assert.match(errorMessage, /^RequestId: [0-9a-f-]{36} Error: Task timed out after 0\.20 seconds$/)
})

test('a process that ends without output did not start', async t => {
  await assert.rejects(start(t, { code: `process.stderr.write('failed'); process.exit(3)` }), {
    name: 'NotStarted',
    message: 'failed',
  })
})
