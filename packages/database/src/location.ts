/** Where the data is: an SQLite file (`:memory:` keeps nothing), or a PostgreSQL database. */
export type Location = { file: string } | { url: string }

/** The location that one setting names: a URL that begins with `postgres://` or `postgresql://`, otherwise a file. */
export function readLocation(text: string): Location {
  return /^postgres(ql)?:\/\//.test(text) ? { url: text } : { file: text }
}

/** The host and port of a URL, for messages; never its user or password. */
export function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : 'the configured URL'
}

/** How messages name a location. It begins a sentence. */
export function nameOf(location: Location): string {
  if ('file' in location) return `The database file ${location.file}`
  const { url } = location
  return `The PostgreSQL database at ${hostOf(url)}${URL.canParse(url) ? new URL(url).pathname : ''}`
}
