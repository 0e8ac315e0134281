import { type Platform, type PlatformName, platforms, present } from '@preflow/contract'

/** The platform whose behaviour actions get, and the deadlines of the server. */
export interface PlatformSettings {
  platform: PlatformName
  /** Default: the platform's own. */
  actionConnectTimeoutMs?: number
  actionReadTimeoutMs?: number
  /** Longest answer that is read. Default: the platform's own. */
  actionMaxAnswerBytes?: number
}

/** Finds a platform by its name, or the server's own, and applies the configured deadlines and size of answers. */
export function createPlatforms(settings: PlatformSettings): (name: string | undefined) => Platform {
  const deadlines = present({
    connectTimeoutMs: settings.actionConnectTimeoutMs,
    readTimeoutMs: settings.actionReadTimeoutMs,
  })
  const adjusted = Object.fromEntries(
    Object.values(platforms).map(known => {
      const { maxAnswerBytes } = known.calling
      const limits = { maxAnswerBytes: Math.min(maxAnswerBytes, settings.actionMaxAnswerBytes ?? maxAnswerBytes) }
      return [known.name, { ...known, calling: { ...known.calling, ...deadlines, ...limits } }]
    }),
  ) as Record<PlatformName, Platform>
  return name => adjusted[(name ?? settings.platform) as PlatformName] ?? adjusted[settings.platform]
}
