export function Outcomes() { return null; }
