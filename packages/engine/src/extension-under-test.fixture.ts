import { once } from 'node:events'
import { createServer as createHttpServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, createServer as createNetServer, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { Worker } from 'node:worker_threads'

/** One request as an extension received it. */
export interface SeenCall {
  method: string
  url: string
  headers: IncomingHttpHeaders
  text: string
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of many shapes
  body: any
}

/** The answer of an extension: a JSON value with status 200, a full description, or a function. */
export type Reply =
  | { status?: number; headers?: Record<string, string>; json?: unknown; text?: string }
  | ((response: ServerResponse, call: SeenCall, n: number) => void)

/** An extension on a real socket that records its requests. It is closed with the test. */
export async function startExtension(
  t: Pick<TestContext, 'after'>,
  ...replies: Reply[]
): Promise<{ uri: string; port: number; calls: SeenCall[] }> {
  const calls: SeenCall[] = []
  const server = createHttpServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', chunk => chunks.push(chunk))
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString()
      const call: SeenCall = {
        method: request.method ?? '',
        url: request.url ?? '',
        headers: request.headers,
        text,
        body: text.startsWith('{') ? JSON.parse(text) : undefined,
      }
      calls.push(call)
      const reply = replies[Math.min(calls.length, replies.length) - 1] ?? {}
      if (typeof reply === 'function') return reply(response, call, calls.length)
      const { status = 200, headers = { 'content-type': 'application/json' }, json, text: body } = reply
      response.writeHead(status, headers).end(body ?? JSON.stringify(json ?? { actionStatus: 'SUCCESS' }))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  const { port } = server.address() as AddressInfo
  return { uri: `http://127.0.0.1:${port}/hook`, port, calls }
}

/** A TCP server that does what a test specifies with each connection. Its connections end with the test. */
export async function startSocketServer(
  t: Pick<TestContext, 'after'>,
  onConnection: (socket: Socket, n: number) => void,
): Promise<{ uri: string; port: number; connections(): number }> {
  const sockets = new Set<Socket>()
  let connections = 0
  const server = createNetServer(socket => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => sockets.delete(socket))
    connections += 1
    onConnection(socket, connections)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  const { port } = server.address() as AddressInfo
  return { uri: `http://127.0.0.1:${port}/hook`, port, connections: () => connections }
}

/** A port of this machine on which nothing listens. */
export async function freePort(): Promise<number> {
  const server = createNetServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/**
 * A port that swallows SYN packets: its queue of connections is full and nothing accepts them. The server runs in a
 * worker with a blocked event loop, because Node would accept at once.
 */
export async function startBlackHole(t: Pick<TestContext, 'after'>): Promise<{ uri: string }> {
  const worker = new Worker(
    `const { parentPort } = require('node:worker_threads')
     const server = require('node:net').createServer()
     server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
       parentPort.postMessage(server.address().port)
       Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
     })`,
    { eval: true },
  )
  t.after(() => worker.terminate())
  const [port] = await once(worker, 'message')
  // On Linux a queue of 1 holds two connections.
  for (let i = 0; i < 2; i++) {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    t.after(() => socket.destroy())
    await once(socket, 'connect')
  }
  return { uri: `http://127.0.0.1:${port}/hook` }
}
