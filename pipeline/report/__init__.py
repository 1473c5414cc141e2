"""The `report` stage: what was run, what came out, and what may be said of it.

collect     reads the chosen runs, and nothing else that lies in the folders
statistics  intervals, verdicts and comparisons over images and seeds
curves      the losses, thinned, as rows and as pictures
tables      numbers as text
document    everything the templates need
page        Markdown, and the page made of it
write       puts the files where they belong
"""
