// A line of CHANGELOG.md is its changeset's text: the commit that changesets would put before it says nothing to a reader.
module.exports = {
  getReleaseLine: async ({ summary }) => `- ${summary.trim().replace(/\n(?=.)/g, '\n  ')}`,
  getDependencyReleaseLine: async () => '',
}
