import { Page } from "../parts/basics";
export function Cluster() { return <Page title="Cluster">{null}</Page>; }
