import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { SMTPServer, type SMTPServerOptions, type SMTPServerSession } from 'smtp-server'

/** A mail that a server accepted. */
export interface ReceivedMail {
  from: string
  to: string[]
  /** The whole message as it came over the wire. */
  source: string
  session: SMTPServerSession
}

/** A real SMTP server on 127.0.0.1. It is closed after the tests. */
export interface MailServer {
  port: number
  /** The accepted mails, oldest first. */
  readonly mails: readonly ReceivedMail[]
  /** Resolves when this many mails were accepted. */
  received(count: number): Promise<void>
}

/** Starts a server without TLS and authentication, unless `options` set them. */
export async function startMailServer(options: SMTPServerOptions = {}): Promise<MailServer> {
  const mails: ReceivedMail[] = []
  const waiting: { count: number; resolve(): void }[] = []
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    disableReverseLookup: true,
    logger: false,
    closeTimeout: 1,
    onData(stream, session, callback) {
      const chunks: Buffer[] = []
      stream.on('data', chunk => chunks.push(chunk))
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope
        mails.push({
          from: mailFrom === false ? '' : mailFrom.address,
          to: rcptTo.map(({ address }) => address),
          source: Buffer.concat(chunks).toString(),
          session,
        })
        callback()
        for (const { count, resolve } of waiting) if (mails.length >= count) resolve()
      })
    },
    ...options,
  })
  // In some tests the client disconnects.
  server.on('error', () => undefined)
  server.listen(0, '127.0.0.1')
  await once(server.server, 'listening')
  after(() => new Promise<void>(resolve => server.close(() => resolve())))
  return {
    port: (server.server.address() as AddressInfo).port,
    mails,
    received: count =>
      mails.length >= count ? Promise.resolve() : new Promise(resolve => waiting.push({ count, resolve })),
  }
}

/** An error that makes the server answer with this code. */
export function reply(responseCode: number, message: string): Error {
  return Object.assign(new Error(message), { responseCode })
}

/** A key and a self-signed certificate for `localhost` and 127.0.0.1; undefined if openssl is missing. */
export function makeCertificate(): { key: string; cert: string } | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'profile-guard-tls-'))
  try {
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
    // biome-ignore format: one option a line would hide the settings
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1', '-keyout', key, '-out', cert], { stdio: 'ignore' })
    return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') }
  } catch {
    return undefined
  } finally {
    rmSync(folder, { recursive: true })
  }
}
