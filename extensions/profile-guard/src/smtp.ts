import { present } from '@preflow/contract'
import { createTransport } from 'nodemailer'

/** One mail to one reader. */
export interface Mail {
  to: string
  subject: string
  text: string
  html: string
  /** Stays the same when the mail is sent again, so that mailboxes can tell. With angle brackets. */
  messageId: string
}

/**
 * What became of one attempt. `later`: it may work another time. `never`: the server refuses this reader or this mail.
 * `cause` holds codes and commands only: what servers write often repeats the address.
 */
export type SendResult = { result: 'sent' } | { result: 'later' | 'never'; cause: string }

/**
 * Sends one mail. Never rejects, and ends within its time whatever the server does.
 *
 * @param signal Ends it early; the result is `later`.
 */
export type SendMail = (mail: Mail, signal: AbortSignal) => Promise<SendResult>

/**
 * How the connection is protected. `tls`: from the first byte. `starttls`: before anything is said, or not at all.
 * `opportunistic`: if the server offers it. `none`: never.
 */
export type SmtpSecurity = 'tls' | 'starttls' | 'opportunistic' | 'none'

export interface SmtpOptions {
  host: string
  port: number
  security: SmtpSecurity
  /** Only over `tls` and `starttls`: elsewhere anybody on the way could read it. */
  credentials?: { user: string; password: string }
  /** `alerts@heron.example` or `Preflow alerts <alerts@heron.example>`. */
  from: string
  /** PEM certificates to trust instead of the well-known authorities. */
  ca?: string
  /** Milliseconds for one mail, from connecting to the acceptance. Default 30,000. */
  timeoutMs?: number
}

const SECURITY: Record<
  SmtpSecurity,
  { secure: boolean; requireTLS?: boolean; opportunisticTLS?: boolean; ignoreTLS?: boolean }
> = {
  tls: { secure: true },
  starttls: { secure: false, requireTLS: true },
  opportunistic: { secure: false, opportunisticTLS: true },
  none: { secure: false, ignoreTLS: true },
}

/** The commands whose refusal is about this reader or this mail, and not about us or our configuration. */
const ABOUT_THE_MAIL = new Set(['RCPT TO', 'DATA'])

/** Prepares sending over SMTP, a connection for each mail. */
export function createSmtp(options: SmtpOptions): SendMail {
  const { host, port, security, credentials, from, ca, timeoutMs = 30_000 } = options
  const transport = createTransport({
    host,
    port,
    ...SECURITY[security],
    ...(credentials && { auth: { user: credentials.user, pass: credentials.password }, forceAuth: true }),
    ...present({ tls: ca === undefined ? undefined : { ca } }),
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    // A mail is what this module makes of an alert: it never reads files or addresses.
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  return async ({ to, ...mail }, signal) => {
    try {
      await transport.sendMail({
        ...mail,
        from,
        // As an object, so that nothing in it is taken for a list of readers.
        to: { name: '', address: to },
        headers: { 'Auto-Submitted': 'auto-generated' },
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      })
      return { result: 'sent' }
    } catch (error) {
      return judge(error)
    }
  }
}

function judge(error: unknown): SendResult {
  const { code, responseCode, command, permanent } = error as {
    code?: string
    responseCode?: number
    command?: string
    permanent?: boolean
  }
  const what = responseCode === undefined ? (code ?? 'unknown error') : `SMTP ${responseCode}`
  const cause = command === undefined ? what : `${what} ${command}`
  // Without an answer of the server an envelope error is our own library's: the address cannot be written on an envelope.
  const isAddressUnusable = code === 'EENVELOPE' && responseCode === undefined
  const isRefused = permanent === true && ABOUT_THE_MAIL.has(command ?? '')
  return { result: isAddressUnusable || isRefused ? 'never' : 'later', cause }
}
