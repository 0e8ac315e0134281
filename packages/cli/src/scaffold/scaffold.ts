/** Projects as `preflow new` writes them. */
export type { Content, Variable } from './content.ts'
export { deployDocument } from './deploy-document.ts'
export { extensionContent, readyMade } from './extensions.ts'
export { policiesContent } from './policies.ts'
export { type Project, projectFiles } from './project.ts'
export { type Target, type TargetName, targets } from './targets.ts'
