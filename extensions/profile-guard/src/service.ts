import { present } from '@preflow/contract'
import type { Service } from '@preflow/extension/service'
import { createHttpGet } from '@preflow/policies/http-get'
import { addressIn, type Configuration, contradictions, settings } from './configuration.ts'
import { createDelivery, type Delivery, type DeliveryEvent } from './delivery.ts'
import { createDirectory } from './directory.ts'
import { type Outbox, openOutbox } from './outbox.ts'
import { createProfileGuard } from './profile-guard.ts'
import { createSmtp } from './smtp.ts'

/** profile-guard as it is deployed: with its outbox, its mail server and its directory. */
export const profileGuard: Service<typeof settings> = {
  name: 'profile-guard',
  settings,
  contradictions,
  async open(configuration, { log, report = () => undefined }) {
    const get = createHttpGet()
    const { alerts, outbox: location, alertRepeatSeconds } = configuration
    const outbox = alerts === 'off' ? undefined : await openOutbox({ location, repeatMs: alertRepeatSeconds * 1000 })
    const delivery =
      outbox &&
      openDelivery(configuration, outbox, event =>
        report(LEVELS[event.event], { ...event, event: `alert ${event.event}` }),
      )
    const dead = (await outbox?.status())?.dead ?? 0
    if (dead > 0) {
      const advice = 'See "Failed alerts" in the README.'
      report('warn', { event: 'alerts given up', count: dead, advice })
    }
    const directory = openDirectory(configuration, get)
    delivery?.start()
    return {
      extension: createProfileGuard(configuration, {
        ...present({
          directory,
          alerts: outbox && { add: outbox.add, wake: () => delivery?.wake() },
          log,
        }),
      }),
      // Without its outbox it could only refuse. Rejects if the outbox does not answer.
      isReady: async () => {
        await outbox?.status()
        return true
      },
      close: async () => {
        get.close()
        await delivery?.stop(configuration.graceMs)
        await outbox?.close()
      },
    }
  },
}

const LEVELS: Record<DeliveryEvent['event'], 'info' | 'warn' | 'error'> = {
  sent: 'info',
  postponed: 'warn',
  'given up': 'error',
  'outbox unavailable': 'error',
}

function openDirectory(c: Configuration, get: ReturnType<typeof createHttpGet>) {
  if (c.directoryUrl === undefined) return undefined
  const { directoryHeaderValue: value, directoryPointer: pointer } = c
  return createDirectory(
    {
      url: c.directoryUrl,
      foundStatuses: c.directoryFoundStatuses,
      absentStatuses: c.directoryAbsentStatuses,
      timeoutMs: c.directoryTimeoutMs,
      cacheSeconds: c.directoryCacheSeconds,
      ...present({ header: value === undefined ? undefined : { name: c.directoryHeader, value }, pointer }),
    },
    { get },
  )
}

function openDelivery(c: Configuration, outbox: Outbox, log: (event: DeliveryEvent) => void): Delivery | undefined {
  const { smtpHost: host, alertFrom: from, smtpUser: user, smtpPassword: password, smtpCa: ca } = c
  if (c.alertDelivery === 'elsewhere' || host === undefined || from === undefined) return undefined
  const send = createSmtp({
    host,
    port: c.smtpPort,
    security: c.smtpSecurity,
    from,
    ...present({ credentials: user !== undefined && password !== undefined ? { user, password } : undefined, ca }),
  })
  const domain = addressIn(from).split('@')[1] ?? 'localhost'
  return createDelivery({ outbox, send, domain, log }, { maxAttempts: c.alertAttempts })
}
