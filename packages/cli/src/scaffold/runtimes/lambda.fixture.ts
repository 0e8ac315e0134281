/** AWS Lambda: a server with its runtime API, and AWS's client, which runs the built function. */
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { fronts } from './lambda-events.fixture.ts'
import { NotStarted, type Running, startChild } from './running.fixture.ts'

interface Invocation {
  event: object
  settle: PromiseWithResolvers<unknown>
  timer?: NodeJS.Timeout
}

/** The report of Lambda on an error, as the `cause` of the thrown error. */
export interface Report {
  errorType: string
  errorMessage: string
  trace?: string[]
}

/** Starts the function that `template.yaml` describes: its code, handler, memory and timeout. */
export async function startOnLambda(project: string, env: Record<string, string>): Promise<Running> {
  const client = fileURLToPath(import.meta.resolve('aws-lambda-ric'))
  const transport = import.meta.resolve('./lambda-transport.fixture.ts')
  const template = await readFile(join(project, 'template.yaml'), 'utf8')
  const property = (name: string) => new RegExp(`^ {6}${name}: (.+)$`, 'm').exec(template)?.[1] ?? ''
  const taskRoot = await mkdtemp(join(tmpdir(), 'preflow-task-'))
  await cp(join(project, property('CodeUri')), taskRoot, { recursive: true })

  const runtime = await startRuntimeApi(Number(property('Timeout')) * 1000)
  const startedAt = performance.now()
  const child = startChild(['--import', transport, client], taskRoot, {
    AWS_EXECUTION_ENV: `AWS_Lambda_${property('Runtime')}`,
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: property('MemorySize'),
    AWS_LAMBDA_FUNCTION_NAME: property('FunctionName'),
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${property('FunctionName')}`,
    AWS_LAMBDA_LOG_STREAM_NAME: '2026/11/20/[$LATEST]0123456789abcdef',
    AWS_LAMBDA_RUNTIME_API: runtime.address,
    LAMBDA_TASK_ROOT: taskRoot,
    _HANDLER: property('Handler'),
    ...env,
  })
  const ended = once(child.process, 'close').then(() => {
    throw new NotStarted(child.errors())
  })
  const stop = async () => {
    const code = await child.stop()
    await runtime.close()
    await rm(taskRoot, { recursive: true })
    return code
  }
  try {
    await Promise.race([runtime.isAsked, ended])
  } catch (error) {
    await stop()
    throw error
  }
  const startMs = performance.now() - startedAt
  return {
    ways: Object.fromEntries(
      Object.entries(fronts).map(([name, front]) => [
        name,
        async call => front.answer((await runtime.invoke(front.event(call))) as never),
      ]),
    ),
    log: child.log,
    startMs,
    stop,
  }
}

type ErrorKind = new (message: string, options: ErrorOptions) => Error

function failure(report: Report, Kind: ErrorKind = Error): Error {
  return new Kind(report.errorMessage, { cause: report })
}

/** Passes invocations to the client that requests the next one, with the timeout of the function. */
async function startRuntimeApi(timeoutMs: number) {
  const waiting: Invocation[] = []
  const running = new Map<string, Invocation>()
  const asked = Promise.withResolvers<void>()
  let arrival = Promise.withResolvers<void>()

  /** The caller that waits for an invocation, unless the invocation has ended. */
  const finish = (id: string) => {
    const invocation = running.get(id)
    running.delete(id)
    clearTimeout(invocation?.timer)
    return invocation?.settle
  }

  const routes: Record<string, (request: IncomingMessage, response: ServerResponse, id: string) => Promise<void>> = {
    'GET invocation/next': async (_, response) => {
      asked.resolve()
      while (waiting.length === 0) await arrival.promise
      const invocation = waiting.shift() as Invocation
      const id = randomUUID()
      running.set(id, invocation)
      invocation.timer = setTimeout(() => {
        const errorMessage = `RequestId: ${id} Error: Task timed out after ${(timeoutMs / 1000).toFixed(2)} seconds`
        finish(id)?.reject(failure({ errorType: 'Sandbox.Timedout', errorMessage }))
      }, timeoutMs)
      response.writeHead(200, {
        'content-type': 'application/json',
        'lambda-runtime-aws-request-id': id,
        'lambda-runtime-deadline-ms': String(Date.now() + timeoutMs),
        'lambda-runtime-invoked-function-arn': 'arn:aws:lambda:eu-central-1:1:function:f',
        'lambda-runtime-trace-id': 'Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0',
      })
      response.end(JSON.stringify(invocation.event))
    },
    'POST invocation/response': async (request, response, id) => {
      finish(id)?.resolve(JSON.parse(await textOf(request)))
      response.writeHead(202).end()
    },
    'POST invocation/error': async (request, response, id) => {
      finish(id)?.reject(failure(JSON.parse(await textOf(request))))
      response.writeHead(202).end()
    },
    'POST init/error': async (request, response) => {
      asked.reject(failure(JSON.parse(await textOf(request)), NotStarted))
      response.writeHead(202).end()
    },
  }
  const server = createServer((request, response) => {
    const path = (request.url ?? '').replace('/2018-06-01/runtime/', '')
    const [, id = '', outcome] = /^invocation\/([^/]+)\/(\w+)$/.exec(path) ?? []
    const route = routes[`${request.method} ${outcome ? `invocation/${outcome}` : path}`]
    if (!route) return void response.writeHead(404).end()
    route(request, response, id).catch(error => response.destroy(error))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    isAsked: asked.promise,
    invoke(event: object): Promise<unknown> {
      const settle = Promise.withResolvers<unknown>()
      waiting.push({ event, settle })
      arrival.resolve()
      arrival = Promise.withResolvers()
      return settle.promise
    },
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request.setEncoding('utf8')) text += chunk
  return text
}
