import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'

/** A host that accepts no connections until it is woken. */
interface BlackHole {
  uri: string
  /** Resolves when a connection attempt is unanswered. */
  knocked(): Promise<void>
  /** From now on connections are accepted. */
  wake(): void
  close(): Promise<void>
}

/**
 * Opens a port that swallows SYN packets: its queue of connections is full and nothing accepts them. The server runs in
 * a worker whose event loop is blocked until it is woken, because Node would accept at once.
 *
 * @param reply The answer to every request after it is awake. Absent: no answer.
 */
export async function openBlackHole(reply?: object): Promise<BlackHole> {
  const alarm = new Int32Array(new SharedArrayBuffer(4))
  const worker = new Worker(
    `const { parentPort, workerData: { alarm, reply } } = require('node:worker_threads')
     const server = require('node:http').createServer((request, response) => {
       if (reply !== undefined) response.writeHead(200, { 'content-type': 'application/json' }).end(reply)
     })
     server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
       parentPort.postMessage(server.address().port)
       Atomics.wait(alarm, 0, 0)
     })`,
    { eval: true, workerData: { alarm, reply: reply && JSON.stringify(reply) } },
  )
  const [port]: [number] = (await once(worker, 'message')) as [number]
  const fillers: Socket[] = []
  // On Linux a queue of 1 holds two connections.
  for (let i = 0; i < 2; i++) {
    const filler = connect(port, '127.0.0.1').on('error', () => {})
    fillers.push(filler)
    await once(filler, 'connect')
  }

  return {
    uri: `http://127.0.0.1:${port}/hook`,
    async knocked() {
      // Only the kernel knows of an unanswered connection, and it sends no event. Read synchronously, because the
      // threads for file promises are busy with passwords.
      const waiting = new RegExp(`0100007F:${port.toString(16).toUpperCase().padStart(4, '0')} ${SYN_SENT} `)
      while (!waiting.test(readFileSync('/proc/net/tcp', 'utf8'))) await pause(5)
    },
    wake() {
      Atomics.store(alarm, 0, 1)
      Atomics.notify(alarm, 0)
    },
    async close() {
      for (const filler of fillers) filler.destroy()
      await worker.terminate()
    },
  }
}

/** State of a connection in `/proc/net/tcp`. */
const SYN_SENT = '02'
