/**
 * The transport of AWS's runtime interface client, preloaded into its process. The client's own transport is native
 * code that is compiled on installation. This one replaces it and uses `node:http` for the runtime API. Everything else
 * is the client's code.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
 */
import { once } from 'node:events'
import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import { registerHooks } from 'node:module'

registerHooks({
  resolve: (specifier, context, nextResolve) =>
    specifier === './rapid-client.node'
      ? { url: import.meta.url, shortCircuit: true }
      : nextResolve(specifier, context),
})

const api = `http://${process.env['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime`

// The native transport blocks until the outcome is delivered. The client relies on that when it requests the next one.
let delivered: Promise<unknown> = Promise.resolve()

/** The next invocation, after the last outcome is delivered. */
export async function next(): Promise<{ bodyJson: string; headers: IncomingHttpHeaders }> {
  await delivered
  return exchange('GET', '/invocation/next')
}

/** Delivers a result. */
export function done(id: string, body: string): void {
  delivered = exchange('POST', `/invocation/${id}/response`, body)
}

/** Delivers an error, with the details for X-Ray. */
export function error(id: string, body: string, cause: string): void {
  // A header is bytes to Node.js, one per character.
  const bytes = Buffer.from(cause).toString('latin1')
  delivered = exchange('POST', `/invocation/${id}/error`, body, { 'lambda-runtime-function-xray-error-cause': bytes })
}

async function exchange(method: 'GET' | 'POST', path: string, body?: string, more: Record<string, string> = {}) {
  const headers = body === undefined ? more : { 'content-type': 'application/json', ...more }
  const request = httpRequest(api + path, { method, headers })
  request.end(body)
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  let bodyJson = ''
  for await (const chunk of response.setEncoding('utf8')) bodyJson += chunk
  if ((response.statusCode ?? 0) >= 400) throw new Error(`The runtime API returned ${response.statusCode} for ${path}.`)
  return { bodyJson, headers: response.headers }
}
