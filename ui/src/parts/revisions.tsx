import type { Job } from "../api/types";
export function Revisions(_: { job: Job }) { return null; }
