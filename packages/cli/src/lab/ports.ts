/** A port: the variable that sets it, and the default. */
export interface PortSetting {
  variable: string
  fallback: number
}

/**
 * Starts a server at the port of a variable. An error names the variable, which the reader can change.
 *
 * @param setting Absent: a free port.
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
    throw new Error(`${(cause as Error).message} Set ${variable} to another port (0 for a free one).`, { cause })
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
