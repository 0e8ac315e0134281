/** What is counted together, and the limit. */
export interface Bucket {
  points: number
  /** Seconds after the first point in which all are counted. */
  seconds: number
  /** Seconds of the pause after all points are used. Absent: until the points expire. */
  pauseSeconds?: number
  /** Each pause within a day is twice as long as the previous one, up to this many seconds. */
  maxPauseSeconds?: number
  /**
   * Whether each process counts in memory and adds its count to the database once a second. For requests, which are frequent and
   * of which some more do no harm. Guesses are counted in the database at once.
   */
  isGathered?: true
  /** For the documentation. */
  counts: string
}

/**
 * Secrets are counted by failures, costly requests by requests. An address counts for its network: for IPv6 the /64, and the
 * /48 with ten times the points.
 */
export const BUCKETS = {
  password: {
    points: 10,
    seconds: 60,
    pauseSeconds: 60,
    counts: 'wrong passwords for one user name from one network, or from one known browser',
  },
  account: {
    points: 100,
    seconds: 86_400,
    pauseSeconds: 3600,
    counts: 'wrong passwords for one user name from everywhere. Known browsers and networks have their own count',
  },
  address: {
    points: 30,
    seconds: 300,
    pauseSeconds: 300,
    maxPauseSeconds: 3600,
    counts: 'wrong passwords from one network for any user names. Each further pause is twice as long, up to an hour',
  },
  'client-address': { points: 20, seconds: 60, counts: 'wrong secrets of one application from one network' },
  client: {
    points: 200,
    seconds: 3600,
    counts: 'wrong secrets of one application from everywhere. Networks where it authenticated before are not affected',
  },
  'user-code': { points: 5, seconds: 600, counts: 'wrong device codes in one browser' },
  'user-code-address': { points: 30, seconds: 600, counts: 'wrong device codes from one network' },
  'sign-in': { points: 300, seconds: 60, isGathered: true, counts: 'sign-ins started from one network' },
  'token-client': { points: 600, seconds: 60, isGathered: true, counts: 'token requests of one application' },
  'token-tenant': { points: 3000, seconds: 60, isGathered: true, counts: 'token requests of one tenant' },
  api: {
    points: 1200,
    seconds: 60,
    isGathered: true,
    counts:
      'requests of one caller of the management API, SCIM and the users API. A list counts as ten, a body as one more for each 16 KiB',
  },
} as const satisfies Record<string, Bucket>

export type BucketName = keyof typeof BUCKETS

/** `token-client=6000/60` or `token-tenant=off`. `off` alone disables all buckets. */
const OVERRIDE = /^(?:off|([a-z-]+)=(?:off|([1-9]\d{0,8})\/([1-9]\d{0,6})))$/

/** Whether a string is an override of a bucket. */
export function isOverride(text: string): boolean {
  const name = OVERRIDE.exec(text)?.[1]
  return text === 'off' || (name !== undefined && Object.hasOwn(BUCKETS, name))
}

/** The buckets with the overrides of the operator, without disabled ones. */
export function bucketsWith(overrides: readonly string[]): ReadonlyMap<BucketName, Bucket> {
  if (overrides.includes('off')) return new Map()
  const buckets = new Map<BucketName, Bucket>(Object.entries(BUCKETS) as [BucketName, Bucket][])
  for (const override of overrides) {
    const [, name, points, seconds] = OVERRIDE.exec(override) ?? []
    const bucket = buckets.get(name as BucketName)
    if (!bucket) continue
    if (points === undefined) buckets.delete(name as BucketName)
    else buckets.set(name as BucketName, { ...bucket, points: Number(points), seconds: Number(seconds) })
  }
  return buckets
}
