import { Page } from "../parts/basics";
export function Timeline() { return <Page title="Timeline">{null}</Page>; }
