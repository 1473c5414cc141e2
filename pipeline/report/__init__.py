"""The `report` stage: what was run, what came out, and what may be said of it.

collect       reads the chosen runs, and nothing else that lies in the folders
findings      estimates and verdicts, by the rule of `pipeline.common.verdicts`, as long frames
studies       what published tables claim, and what the runs here say of it
tables        numbers and frames as text
sections, study_tables, styles, document   everything the template needs
curves        the losses, thinned, as rows and as pictures
page          Markdown, and the page made of it
write         writes the files
"""
