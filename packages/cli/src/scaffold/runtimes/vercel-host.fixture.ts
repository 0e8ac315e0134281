/**
 * The part of Vercel that a function can observe: static files first, then the rewrites of `vercel.json`, then the file
 * in `api/` for a path, called with a web `Request`.
 *
 * @see https://vercel.com/docs/functions/runtimes/node-js
 */
import { existsSync, readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pathToFileURL } from 'node:url'

interface Settings {
  outputDirectory: string
  rewrites: { source: string; destination: string }[]
}

const folder = process.cwd()
const settings = JSON.parse(readFileSync(join(folder, 'vercel.json'), 'utf8')) as Settings
const functions = new Map<string, (request: Request) => Promise<Response>>()

function fileOf(path: string): string | undefined {
  return [`${path}.js`, `${path}/index.js`].map(name => name.slice(1)).find(name => existsSync(join(folder, name)))
}

async function load(file: string) {
  const known = functions.get(file)
  if (known) return known
  let exported = await import(pathToFileURL(join(folder, file)).href)
  while (exported.default) exported = exported.default
  if (typeof exported.fetch !== 'function') throw new Error(`${file} has no default export with fetch.`)
  const loaded = (request: Request) => exported.fetch(request)
  functions.set(file, loaded)
  return loaded
}

async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname } = new URL(request.url ?? '/', 'http://host.test')
  const fixed = join(folder, settings.outputDirectory, pathname)
  if (pathname !== '/' && existsSync(fixed)) return void response.writeHead(200).end(readFileSync(fixed))
  const rewrite = settings.rewrites.find(({ source }) => new RegExp(`^${source}$`).test(pathname))
  const file = fileOf(pathname === '/' ? '/index' : pathname) ?? (rewrite && fileOf(rewrite.destination))
  if (!file) return void response.writeHead(404, { 'x-vercel-error': 'NOT_FOUND' }).end()
  const called = await load(file)
  const hasBody = request.method !== 'GET' && request.method !== 'HEAD'
  const answer = await called(
    new Request(`https://project.vercel.app${request.url}`, {
      method: request.method ?? 'GET',
      headers: request.headers as Record<string, string>,
      ...(hasBody && { body: Readable.toWeb(request) as ReadableStream, duplex: 'half' }),
    } as RequestInit),
  )
  response.writeHead(answer.status, [...answer.headers].flat())
  response.end(Buffer.from(await answer.arrayBuffer()))
}

// On Vercel, a function that cannot be loaded fails its first call. Here the start fails, so that a test sees the
// reason.
for (const { destination } of settings.rewrites) {
  await load(fileOf(destination) ?? destination).catch(error => {
    process.stderr.write(`${error.message}\n`)
    process.exit(1)
  })
}
const server = createServer((request, response) => {
  handle(request, response).catch(error => {
    process.stderr.write(`${error}\n`)
    response.writeHead(500, { 'x-vercel-error': 'FUNCTION_INVOCATION_FAILED' }).end()
  })
}).listen(0, '127.0.0.1', () => {
  process.stdout.write(`{"event":"listening","port":${(server.address() as AddressInfo).port}}\n`)
})
process.on('SIGTERM', () => {
  server.closeAllConnections()
  server.close(() => process.exit(0))
})
