/** Writes, builds and runs projects on their targets, for the tests and benchmarks of the workspace. */
export { buildProject, type WrittenProject, writeProject } from './built-project.fixture.ts'
export { startImage } from './runtimes/image.fixture.ts'
export { startOnLambda } from './runtimes/lambda.fixture.ts'
export { startOnNode } from './runtimes/node.fixture.ts'
export type { Answer, Call, Running } from './runtimes/running.fixture.ts'
export { startOnVercel } from './runtimes/vercel.fixture.ts'
export { type Exchange, type Scenario, scenarios } from './scenarios.fixture.ts'
export { callerEnv, freePort, platformCall } from './targets.cases.ts'
