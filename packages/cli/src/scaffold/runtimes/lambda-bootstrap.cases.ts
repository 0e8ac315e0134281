/**
 * What AWS puts between its runtime API and a handler, as far as a handler can tell: it loads the handler that `_HANDLER`
 * names, asks for the next invocation, calls it, and reports what became of it.
 *
 * Not the official client (aws-lambda-ric): that one compiles native code while it is installed.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
 */
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const { AWS_LAMBDA_RUNTIME_API = '', LAMBDA_TASK_ROOT = '', _HANDLER = '' } = process.env

type Handler = (event: unknown, context: object) => Promise<unknown>

async function ask(method: 'GET' | 'POST', path: string, body?: unknown): Promise<IncomingMessage & { text: string }> {
  const request = httpRequest(`http://${AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/${path}`, {
    method,
    headers: body instanceof Error ? { 'lambda-runtime-function-error-type': `Runtime.${body.name}` } : {},
  })
  const said = body instanceof Error ? { errorType: body.name, errorMessage: body.message, stackTrace: [] } : body
  request.end(said === undefined ? undefined : JSON.stringify(said))
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) text += chunk
  return Object.assign(response, { text })
}

async function load(): Promise<Handler> {
  const [file = '', name = ''] = _HANDLER.split('.')
  const path = ['.js', '.mjs', '.cjs'].map(ending => join(LAMBDA_TASK_ROOT, `${file}${ending}`)).find(existsSync)
  if (!path) throw new Error(`Cannot find module '${file}'`)
  const handler = (await import(pathToFileURL(path).href))[name]
  if (typeof handler !== 'function') throw new Error(`${_HANDLER} is undefined or not exported`)
  return handler
}

let handler: Handler
try {
  handler = await load()
} catch (error) {
  await ask('POST', 'init/error', error)
  process.exit(1)
}
for (;;) {
  const next = await ask('GET', 'invocation/next')
  const id = next.headers['lambda-runtime-aws-request-id'] as string
  const deadline = Number(next.headers['lambda-runtime-deadline-ms'])
  const context = {
    awsRequestId: id,
    invokedFunctionArn: next.headers['lambda-runtime-invoked-function-arn'],
    getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
  }
  const [outcome, body] = await handler(JSON.parse(next.text), context).then(
    result => ['response', result],
    error => ['error', error],
  )
  await ask('POST', `invocation/${id}/${outcome}`, body)
}
