/** Where something listens: the variable that says it, and the port otherwise. */
export interface PortSetting {
  variable: string
  fallback: number
}

/**
 * Starts something at the port of a variable, which is named when that fails: it is what the reader can change.
 *
 * @param setting Absent: on a free port.
 */
export async function atPort<Started>(
  environment: Record<string, string | undefined>,
  setting: PortSetting | undefined,
  start: (options: { port: number }) => Promise<Started>,
): Promise<Started> {
  if (!setting) return start({ port: 0 })
  const { variable } = setting
  const port = portOf(environment, setting)
  try {
    return await start({ port })
  } catch (cause) {
    throw new Error(`${(cause as Error).message} ${variable} sets it (0 takes a free one).`, { cause })
  }
}

function portOf(environment: Record<string, string | undefined>, { variable, fallback }: PortSetting): number {
  const text = environment[variable]
  if (text === undefined || text === '') return fallback
  const port = Number(text)
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new Error(`${variable}: must be a port from 0 to 65535.`)
  }
  return port
}
