import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** A connection to a database that a test can cut. */
export interface Proxy {
  port: number
  /** Ends every connection and refuses new ones, as a stopped server does. */
  stop(): Promise<void>
  /** Accepts connections again, at the same port. */
  start(): Promise<void>
  /** Keeps every connection open and forwards nothing any more. */
  hush(): void
}

/** @param target Host and port. */
export async function startProxy(target: { host: string; port: number }): Promise<Proxy> {
  const sockets = new Set<Socket>()
  let server: Server
  let port = 0
  const keep = (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => sockets.delete(socket))
  }
  async function start(): Promise<void> {
    server = createServer(client => {
      const database = connect(target)
      keep(client)
      keep(database)
      client.pipe(database).pipe(client)
    })
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    port = (server.address() as AddressInfo).port
  }
  await start()
  return {
    port,
    start,
    stop: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
    hush: () => {
      for (const socket of sockets) socket.unpipe().pause()
    },
  }
}
