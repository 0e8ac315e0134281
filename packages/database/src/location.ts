/** The location of the data: an SQLite file (`:memory:` stores nothing), or a PostgreSQL database. */
export type Location = { file: string } | { url: string }

/** The location in a setting: a URL that begins with `postgres://` or `postgresql://`, otherwise a file. */
export function readLocation(text: string): Location {
  return /^postgres(ql)?:\/\//.test(text) ? { url: text } : { file: text }
}

/** The host and port of a URL, for messages; never its user or password. */
export function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : 'the configured URL'
}

/** The name of a location in messages. It begins a sentence. */
export function nameOf(location: Location): string {
  if ('file' in location) return `The database file ${location.file}`
  const { url } = location
  return `The PostgreSQL database at ${hostOf(url)}${URL.canParse(url) ? new URL(url).pathname : ''}`
}
