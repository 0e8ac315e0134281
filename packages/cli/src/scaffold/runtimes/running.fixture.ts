/** The shared parts of the hosts in this folder: a call, a child process, a running target. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'

/** A call as the platform makes it. */
export interface Call {
  method: string
  path: string
  headers: Record<string, string>
  body?: string
}

export interface Answer {
  status: number
  headers: Record<string, string>
  body: string
}

/** A project that runs on its target. */
export interface Running {
  /** Each way to call it, by name. */
  ways: Record<string, (call: Call) => Promise<Answer>>
  /** Its output so far. */
  log(): string
  /** Milliseconds from the start of its process until it accepts calls. */
  startMs: number
  /** Stops it and resolves with its exit code. Further calls return the same code. */
  stop(): Promise<number | null>
}

/** It ended before it accepted calls. */
export class NotStarted extends Error {
  override name = 'NotStarted'
}

export interface Child {
  process: ChildProcess
  log(): string
  errors(): string
  /** Resolves with the first match in its log; rejects if it ends without one. */
  says(pattern: RegExp): Promise<RegExpExecArray>
  stop(): Promise<number | null>
}

/** Starts a program with only the given environment. */
export function startChild(argv: readonly string[], cwd: string, env: Record<string, string>): Child {
  const child = spawn(process.execPath, argv, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  const written = { out: '', err: '' }
  child.stdout.setEncoding('utf8').on('data', chunk => {
    written.out += chunk
  })
  child.stderr.setEncoding('utf8').on('data', chunk => {
    written.err += chunk
  })
  const ended = once(child, 'close') as Promise<[number | null]>
  return {
    process: child,
    log: () => written.out,
    errors: () => written.err,
    async says(pattern) {
      for (;;) {
        const found = pattern.exec(written.out)
        if (found) return found
        const isOver = await Promise.race([once(child.stdout, 'data').then(() => false), ended.then(() => true)])
        if (isOver && !pattern.test(written.out)) throw new NotStarted(written.err)
      }
    },
    async stop() {
      child.kill('SIGTERM')
      return (await ended)[0]
    },
  }
}

/** Sends a call over HTTP on a new connection. */
export async function send(url: string, { method, path, headers, body }: Call): Promise<Answer> {
  const request = httpRequest(new URL(path, url), { method, headers, agent: false })
  // A server may answer and close the connection before it has read everything.
  request.on('error', () => undefined)
  request.end(body)
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) text += chunk
  return { status: response.statusCode ?? 0, headers: response.headers as Record<string, string>, body: text }
}
