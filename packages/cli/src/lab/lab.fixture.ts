import { type Lab, type LabPorts, startLab } from './start-lab.ts'

/** Free ports, independent of what else runs. */
const anywhere = {
  PREFLOW_PORT: '0',
  PREFLOW_EXTENSIONS_PORT: '0',
  PREFLOW_REPUTATION_PORT: '0',
  PREFLOW_WEB_PORT: '0',
}

/** Saves a quarter of a second for each password. */
export const TEST_PASSWORD_COST = { cost: 16, blockSize: 1, parallelization: 1 }

/** Starts a lab in a folder, on free ports and with a low hashing cost. */
export function startTestLab(
  folder: string,
  environment: Record<string, string> = {},
  write: (line: string) => void = () => {},
  ports: LabPorts = {},
): Promise<Lab> {
  return startLab({ ...anywhere, PREFLOW_DATA: folder, ...environment }, write, {
    passwordCost: TEST_PASSWORD_COST,
    pinCostLog2: 4,
    ...ports,
  })
}
