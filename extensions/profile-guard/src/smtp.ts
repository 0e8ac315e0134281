import { present } from '@preflow/contract'
import { createTransport } from 'nodemailer'

/** One mail to one recipient. */
export interface Mail {
  to: string
  subject: string
  text: string
  html: string
  /** The same for every attempt, so that mailboxes can detect a duplicate. With angle brackets. */
  messageId: string
}

/**
 * The result of one attempt. `later`: a retry may work. `never`: the server rejects this recipient or this mail.
 * `cause` contains only codes and commands, because the text of servers often repeats the address.
 */
export type SendResult = { result: 'sent' } | { result: 'later' | 'never'; cause: string }

/**
 * Sends one mail. Never rejects, and always ends within its time.
 *
 * @param signal Ends it early; the result is `later`.
 */
export type SendMail = (mail: Mail, signal: AbortSignal) => Promise<SendResult>

/**
 * How the connection is protected. `tls`: from the first byte. `starttls`: STARTTLS is required. `opportunistic`: if
 * the server offers it. `none`: never.
 */
export type SmtpSecurity = 'tls' | 'starttls' | 'opportunistic' | 'none'

export interface SmtpOptions {
  host: string
  port: number
  security: SmtpSecurity
  /** Only with `tls` and `starttls`. Otherwise anyone on the network could read it. */
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

/** If one of these commands is rejected, the cause is this recipient or this mail, not our configuration. */
const ABOUT_THE_MAIL = new Set(['RCPT TO', 'DATA'])

/** Creates a function that sends over SMTP, with a connection for each mail. */
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
    // This module renders the mail from an alert. It never reads files or addresses.
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  return async ({ to, ...mail }, signal) => {
    try {
      await transport.sendMail({
        ...mail,
        from,
        // As an object, so nothing in it is parsed as a list of recipients.
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
  // Without a server response, an envelope error comes from our own library: the address is invalid in an envelope.
  const isAddressUnusable = code === 'EENVELOPE' && responseCode === undefined
  const isRefused = permanent === true && ABOUT_THE_MAIL.has(command ?? '')
  return { result: isAddressUnusable || isRefused ? 'never' : 'later', cause }
}
