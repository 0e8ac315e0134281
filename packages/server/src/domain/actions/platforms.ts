import { type Platform, type PlatformName, platforms, present } from '@preflow/contract'

/** Which platform actions are called as, and how long the server waits for them. */
export interface PlatformSettings {
  platform: PlatformName
  /** Default: the platform's own. */
  actionConnectTimeoutMs?: number
  actionReadTimeoutMs?: number
}

/** Finds a platform by its name, else the server's own, with the deadlines of the configuration in it. */
export function createPlatforms(settings: PlatformSettings): (name: string | undefined) => Platform {
  const deadlines = present({
    connectTimeoutMs: settings.actionConnectTimeoutMs,
    readTimeoutMs: settings.actionReadTimeoutMs,
  })
  const adjusted = Object.fromEntries(
    Object.values(platforms).map(known => [known.name, { ...known, calling: { ...known.calling, ...deadlines } }]),
  ) as Record<PlatformName, Platform>
  return name => adjusted[(name ?? settings.platform) as PlatformName] ?? adjusted[settings.platform]
}
